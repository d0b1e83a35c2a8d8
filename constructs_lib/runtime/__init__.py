"""What handlers import on Lambda: a database connection that recovers by itself, and idempotent processing.

`PythonFunction(..., include_runtime=True)` puts this folder, and nothing else of the library, into the package. So
nothing in here imports the rest of the library, aws_cdk, or a database driver: the driver is passed in.

Handlers import only what docs/reference describes. All else, such as the module `drivers`, may change without notice.
"""
