"""The visitor's choices in the URL, and which of them go along to another page."""

from streamlit.testing.v1 import AppTest

from app.collapse import healthy


def visit() -> None:
    import streamlit as st

    from app import state

    steps = st.session_state["steps"]
    st.query_params.from_dict(steps[-1][1])
    state.arrive(steps[-1][0], lambda page, run: (page, run) != ("denoising", "narrow"))


def shown(*steps: tuple[str, dict[str, str]]) -> dict[str, str]:
    """The URL after these pages, each with what its link asked for."""
    app = AppTest.from_function(visit)
    for page in steps:
        app.session_state["steps"] = [page]
        app.run()
        assert not app.exception
    return {name: value if isinstance(value, str) else value[-1] for name, value in app.query_params.items()}


def test_a_run_goes_along_to_the_next_page_unless_it_does_not_fit() -> None:
    assert shown(("collapse", {"run": "other"}), ("denoising", {})) == {"run": "other"}
    assert shown(("collapse", {"run": "narrow"}), ("denoising", {})) == {}


def test_a_run_chosen_on_a_page_is_there_again_on_return_whether_it_fits_or_not() -> None:
    assert shown(("denoising", {"run": "narrow"}), ("collapse", {}), ("denoising", {})) == {"run": "narrow"}


def test_the_bundled_narrow_run_is_known_to_be_broken_and_the_healthy_one_is_not() -> None:
    assert healthy.named_broken("narrow") and not healthy.named_broken("ml-100k")
