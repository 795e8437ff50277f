"""Measures the whole path of a reply, from the message sent to the text shown."""

#: The pace of replies: GPT-2 on a small machine writes some 33 tokens a second.
WORDS, WORD_SECONDS = 40, 0.03
