"""Files and batches, as in OpenAI's API reference, and the loop that answers them."""
