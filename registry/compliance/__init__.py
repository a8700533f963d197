"""What breaks the rules (规范检查): found at a unit and at an organization, excepted, switched off."""
