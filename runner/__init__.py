"""pabal: run Postman collections from Python."""
