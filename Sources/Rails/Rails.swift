// Rails
