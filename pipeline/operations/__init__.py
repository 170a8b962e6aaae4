"""What a command does.

What must not come in: what is printed (`cli`).
"""
