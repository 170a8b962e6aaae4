"""What a command does.

What must not come in: how a person is told (`cli`).
"""
