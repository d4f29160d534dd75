"""One call of a chat model, with the providers' exceptions turned into this project's `ModelError`.

LangChain's providers raise exceptions of their own client libraries, which share no base class. This is the only place
that catches them all.
"""

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from interleavethinker.tools.errors import InterleaveError, ModelError

__all__ = ["invoke"]


async def invoke(model: BaseChatModel, messages: Sequence[BaseMessage], *, role: str = "chat model") -> AIMessage:
    """Sends a conversation to a chat model and returns its answer.

    Args:
        model: Any LangChain chat model.
        messages: The conversation.
        role: What the model is used as, for the error message.

    Raises:
        ModelError: The model could not be loaded or reached, or its provider refused the call.
        InterleaveError: Whatever a model of this project raises itself, unchanged.
    """
    try:
        return await model.ainvoke(list(messages))
    except InterleaveError:
        raise
    except Exception as error:
        raise ModelError(f"The {role} failed: {type(error).__name__}: {error}") from error
