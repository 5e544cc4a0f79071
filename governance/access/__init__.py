"""Who may: require() at the door, visible_to() for lists, both over the same roles and grants; no personal data."""

from governance.access.enforcement import decided, require, visible_to
from governance.access.grants import principal_of

__all__ = ["decided", "principal_of", "require", "visible_to"]
