"""All that touches a content key or a party's private key: clients and broker only."""
