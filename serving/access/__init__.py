"""Who may call what: the addresses of the port with their roles, and the guard before them."""
