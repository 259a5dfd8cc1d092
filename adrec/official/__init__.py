"""The official code's weights and recorded numbers, checked against ours."""
