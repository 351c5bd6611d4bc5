"""The targets of the package: for each a template and, in the module of its name, what that gets."""
