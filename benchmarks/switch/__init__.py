"""How long a cutover and a rollback keep an application from writing, by the size of its databases."""
