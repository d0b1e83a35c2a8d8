"""The demo: deploys the sample app on this machine, drives it, and judges what came of it."""
