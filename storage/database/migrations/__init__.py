"""Schema versions, applied by the program itself (``storage.database.migrate``)."""
