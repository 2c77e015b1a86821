"""The only package that speaks SQL and S3: it keeps the promises of ``usecases.ports``."""
