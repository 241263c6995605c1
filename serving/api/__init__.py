"""The JSON API under `/v1`: endpoints, messages, and the OpenAPI document made of them."""
