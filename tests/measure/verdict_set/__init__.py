"""The third-party set: tables trained with other people's libraries, broken in many ways, with what an expert would say of each, by rule.

``make verdict-set`` builds it and judges its tuning half. See ``docs/VERDICT.md``.
"""
