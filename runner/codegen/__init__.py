"""Code from requests: what they are (`description`), how it is laid out (`writer`), and what for (`registry`, `targets`)."""
