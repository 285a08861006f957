"""The version of Tracelate."""

VERSION = "0.2.0"
