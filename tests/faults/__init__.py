"""Stages that are killed at random moments, compared with stages that are not."""
