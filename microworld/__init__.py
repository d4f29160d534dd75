"""microworld"""
