"""Whether tables can be read as declared: what must hold before anything is computed."""
