"""The REST doors of the consent app; they read input, call one service or the decision, and hold no rules."""
