"""AWS CDK constructs for Lambda that are correct by construction."""
