"""The tests mirror constructs_lib; gallery.py is the list of scenes that every general check walks."""
