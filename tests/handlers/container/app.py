def handle(event: object, context: object) -> int:
    return 1
