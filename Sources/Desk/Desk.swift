import AsyncHTTPClient
import Venue
