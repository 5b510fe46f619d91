"""One definition of a form, and everything that is made from it."""
