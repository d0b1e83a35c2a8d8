"""What a cold start spends on imports: functions packaged with bytecode, and plainly."""
