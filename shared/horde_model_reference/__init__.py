"""The AI-Horde model reference: schema, formats, conversion."""
