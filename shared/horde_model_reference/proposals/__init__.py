"""What clients propose: checked, and brought into the form in which it is queued, shown and applied."""
