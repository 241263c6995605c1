"""What each table of a folder is: accounts, facts or keys, by its values and its columns' names."""
