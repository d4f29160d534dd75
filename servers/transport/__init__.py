"""Transports that any MCP server here can run on: stdio for a parent process, HTTP for everybody else.

Knows MCP's framing, tokens and listening addresses; does not know which tools a server offers.
"""
