"""The image generator as an MCP client: how to reach a server, one persistent session, and reading its results.

Any MCP image server will do: this project's own, started as a child process or reached over HTTP, or a third party's
whose tools a profile maps. Does not know how servers generate images, and never imports one.
"""
