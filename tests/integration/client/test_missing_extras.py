"""Programs that do not have what is optional."""

from support.programs import assert_silent_success, ran


def test_without_cryptography_checking_a_signature_says_what_to_install() -> None:
    done = ran(
        """
        import sys
        sys.modules["cryptography"] = None
        from horde_model_reference.replica.signature_check import verify

        entry = b'{"a":1,"signature":{"key_id":"66687aadf862bd77","value":"%b=="}}' % (b"A" * 86)
        try:
            verify(entry, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        except RuntimeError as error:
            print(error)
        """
    )
    hint = "checking signatures needs cryptography: pip install 'horde-model-reference[signatures]'\n"
    assert_silent_success(done, hint)
