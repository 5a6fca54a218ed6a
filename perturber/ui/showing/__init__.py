"""What the service has answered → the properties of components."""
