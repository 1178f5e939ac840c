"""What goes over the network: questions to the archives, logins, downloads that are verified."""
