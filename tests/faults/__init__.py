"""What happens when creators, backends and those who write to them fail."""
