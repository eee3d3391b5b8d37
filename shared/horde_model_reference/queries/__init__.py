"""What the query builders are made of: paths, relations, fields, pools of records, order."""
