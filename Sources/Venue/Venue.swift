// Venue
