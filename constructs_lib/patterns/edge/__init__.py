"""Code in front of CloudFront: CloudFront Functions and Lambda@Edge."""
