"""The pages: one view a file, and the nouns they share."""
