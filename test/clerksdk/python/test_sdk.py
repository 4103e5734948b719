"""Clerk's SDK for Python, unmodified, against a real server."""

import asyncio
import unittest

import httpx
import jwt
from clerk_backend_api import Clerk, models
from clerk_backend_api.security import authenticate_request, verify_token
from clerk_backend_api.security.types import AuthenticateRequestOptions, TokenVerificationError, VerifyTokenOptions
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import calls
from server import SECRET_KEY, Server

PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


class SDK(unittest.TestCase):
    """The tests make every call that has a meaning here. The last one makes all others."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.server, cls.worked, cls.requests, cls.count = Server(), set(), [], 0
        cls.addClassCleanup(cls.server.stop)
        hooks = {"request": [lambda request: cls.requests.append(f"{request.method} {request.url.path}")]}
        client = httpx.Client(event_hooks=hooks, timeout=20)
        cls.addClassCleanup(client.close)
        cls.plain = Clerk(bearer_auth=SECRET_KEY, server_url=f"{cls.server.url}/v1", client=client)
        cls.clerk = calls.Recorded(cls.plain, cls.worked)

    def user(self, **fields):
        """Creates a user with an e-mail address and a password."""
        SDK.count += 1
        return self.clerk.users.create(**{"email_address": [f"python{SDK.count}@example.com"], "password": PASSWORD, **fields})

    def refused(self, status, code):
        """Expects an error of Clerk."""
        case = self

        class Refused:
            def __enter__(self):
                return self

            def __exit__(self, kind, error, _):
                case.assertTrue(isinstance(error, models.ClerkBaseError), error)
                body = error.raw_response.json()
                case.assertEqual([error.status_code, body["errors"][0]["code"]], [status, code])
                return True

        return Refused()

    def session(self, user):
        """Signs a user in. Returns the id of the session and a token."""
        return self.server.sign_in(self.clerk.sign_in_tokens.create(request={"user_id": user.id, "expires_in_seconds": 60}).token)

    def test_users(self):
        users = self.clerk.users
        made = self.user(email_address=["ann@example.com"], phone_number=["+14155552001"], first_name="Ann", external_id="py-1", public_metadata={"team": "blue"})
        self.assertEqual([made.email_addresses[0].email_address, made.phone_numbers[0].phone_number], ["ann@example.com", "+14155552001"])
        self.assertEqual(users.get(user_id=made.id).external_id, "py-1")
        self.assertEqual(users.update(user_id=made.id, first_name="Anna").first_name, "Anna")
        with self.refused(422, "form_identifier_exists"):
            self.user(email_address=["ann@example.com"])
        self.assertTrue(users.verify_password(user_id=made.id, password=PASSWORD).verified)
        with self.refused(422, "form_password_incorrect"):
            users.verify_password(user_id=made.id, password="not the password")
        self.assertTrue(users.delete(user_id=made.id).deleted)
        with self.refused(404, "resource_not_found"):
            users.get(user_id=made.id)

    def test_email_addresses(self):
        emails, id = self.clerk.email_addresses, self.user().id
        made = emails.create(request={"user_id": id, "email_address": "two@example.com"})
        self.assertIsNone(made.verification)
        self.assertEqual(emails.update(email_address_id=made.id, verified=True, primary=True).verification.status, "verified")
        self.assertEqual(self.clerk.users.get(user_id=id).primary_email_address_id, made.id)
        self.assertEqual(emails.get(email_address_id=made.id).email_address, "two@example.com")
        with self.refused(422, "form_identifier_exists"):
            emails.create(request={"user_id": id, "email_address": "two@example.com"})
        self.assertTrue(emails.delete(email_address_id=made.id).deleted)
        with self.refused(404, "resource_not_found"):
            emails.get(email_address_id=made.id)

    def test_replaced_identifiers(self):
        id = self.user().id
        address = self.clerk.email_addresses.replace_for_user(user_id=id, email_address="only@example.com")
        number = self.clerk.phone_numbers.replace_for_user(user_id=id, phone_number="+14155552009")
        user = self.clerk.users.get(user_id=id)
        self.assertEqual([user.primary_email_address_id, user.primary_phone_number_id], [address.id, number.id])
        self.assertEqual([len(user.email_addresses), len(user.phone_numbers)], [1, 1])

    def test_lists(self):
        users = self.clerk.users
        one, other = self.user(username="quentin", first_name="Quentin"), self.user()
        for filters in [{"username": ["quentin"]}, {"user_id": [one.id]}, {"query": "quent"}, {"query": "quent", "order_by": "-created_at"}]:
            self.assertEqual([user.id for user in users.list(request=filters)], [one.id], filters)
            filters.pop("order_by", None)
            self.assertEqual(users.count(request=filters).total_count, 1, filters)
        page = users.list(request={"user_id": [one.id, other.id], "limit": 1, "offset": 1})
        self.assertEqual(len(page), 1)
        with self.refused(422, "form_param_unknown"):
            users.list(request={"organization_id": ["org_1"]})
        with self.refused(422, "form_param_unknown"):
            users.count(request={"organization_id": ["org_1"]})

    def test_locks_and_bans(self):
        users, id = self.clerk.users, self.user().id
        self.assertTrue(users.lock(user_id=id).locked)
        self.assertFalse(users.unlock(user_id=id).locked)
        self.assertTrue(users.ban(user_id=id).banned)
        self.assertFalse(users.unban(user_id=id).banned)
        self.assertTrue(users.bulk_ban(user_ids=[id])[0].banned)
        self.assertFalse(users.bulk_unban(user_ids=[id])[0].banned)

    def test_testing_tokens(self):
        self.assertTrue(self.clerk.testing_tokens.create().token)

    def test_factors(self):
        users = self.clerk.users
        made = self.user(totp_secret=SECRET, backup_codes=["abcd2-efgh2", "abcd3-efgh3"])
        self.assertEqual(users.verify_totp(user_id=made.id, code="abcd2-efgh2").code_type, "backup_code")
        with self.refused(422, "form_code_incorrect"):
            users.verify_totp(user_id=made.id, code="abcd2-efgh2")
        users.delete_backup_codes(user_id=made.id)
        users.delete_totp(user_id=made.id)
        left = users.get(user_id=made.id)
        self.assertEqual([left.totp_enabled, left.backup_code_enabled], [False, False])
        users.update(user_id=made.id, totp_secret=SECRET)
        users.disable_mfa(user_id=made.id)
        self.assertFalse(users.get(user_id=made.id).two_factor_enabled)

    def test_metadata(self):
        users, id = self.clerk.users, self.user(public_metadata={"a": {"b": 1, "c": 2}, "d": 3}).id
        merged = users.update_metadata(user_id=id, public_metadata={"a": {"b": None, "e": 4}}, private_metadata={"plan": "pro"})
        self.assertEqual([merged.public_metadata, merged.private_metadata], [{"a": {"c": 2, "e": 4}, "d": 3}, {"plan": "pro"}])
        self.assertEqual(users.replace_metadata(user_id=id, public_metadata={"f": 5}).public_metadata, {"f": 5})

    def test_phone_numbers(self):
        phones, max = self.clerk.phone_numbers, self.user()
        made = phones.create(request={"user_id": max.id, "phone_number": "+14155552002", "verified": True, "primary": True})
        self.assertEqual(phones.get(phone_number_id=made.id).phone_number, "+14155552002")
        self.assertTrue(phones.update(phone_number_id=made.id, reserved_for_second_factor=True).reserved_for_second_factor)
        self.assertTrue(self.clerk.users.get(user_id=max.id).two_factor_enabled)
        sent = phones.prepare_verification(phone_number_id=made.id)
        code = self.server.code("+14155552002")
        wrong = "000001" if code == "000000" else "000000"
        for given, status, attempts in [(wrong, "unverified", 1), (code, "verified", 1)]:
            tried = phones.attempt_verification(phone_number_id=made.id, verification_id=sent.id, code=given)
            self.assertEqual([tried.id, tried.status, tried.attempts], [sent.id, status, attempts])
        self.assertTrue(phones.delete(phone_number_id=made.id).deleted)

    def test_sign_in_tokens(self):
        made = self.clerk.sign_in_tokens.create(request={"user_id": self.user().id, "expires_in_seconds": 60})
        self.assertEqual(made.status, "pending")
        self.assertEqual(self.clerk.sign_in_tokens.revoke(sign_in_token_id=made.id).status, "revoked")

    def test_sessions(self):
        sessions, max = self.clerk.sessions, self.user()
        id, _ = self.session(max)
        self.assertEqual([session.id for session in sessions.list(user_id=max.id)], [id])
        self.assertEqual(sessions.get(session_id=id).user_id, max.id)
        token = sessions.create_token(session_id=id)
        self.assertEqual(self.verified(token.jwt)["sid"], id)
        self.assertEqual(sessions.revoke(session_id=id).status, "revoked")
        self.assertEqual(sessions.list(user_id=max.id, status=models.QueryParamStatus.ACTIVE), [])
        self.assertEqual(sessions.create(request={"user_id": max.id}).user_id, max.id)

    def verified(self, token):
        return verify_token(token, VerifyTokenOptions(secret_key=SECRET_KEY, api_url=self.server.url))

    def test_session_tokens(self):
        max = self.user()
        id, token = self.session(max)
        claims = self.verified(token)
        self.assertEqual([claims["sub"], claims["sid"], claims["fva"]], [max.id, id, [0, -1]])
        head, _, signature = token.split(".")
        forged = ".".join([head, jwt.encode({**claims, "sub": "user_of_another"}, "x" * 32).split(".")[1], signature])
        for wrong in [forged, token[:-4] + "AAAA"]:
            with self.assertRaises(TokenVerificationError):
                self.verified(wrong)
        key = jwt.PyJWKSet.from_dict(httpx.get(f"{self.server.url}/.well-known/jwks.json").json()).keys[0].key
        options = AuthenticateRequestOptions(jwt_key=key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
        state = authenticate_request(httpx.Request("GET", "http://localhost", headers={"Authorization": f"Bearer {token}"}), options)
        self.assertEqual([state.is_signed_in, state.payload["sub"]], [True, max.id])
        self.assertFalse(authenticate_request(httpx.Request("GET", "http://localhost"), options).is_signed_in)

    def test_the_instance(self):
        settings = self.clerk.instance_settings
        self.assertEqual(settings.get().environment_type, "development")
        settings.update(request={"test_mode": False})
        settings.update(request={"test_mode": True})
        self.assertEqual(self.clerk.jwks.get_jwks().keys[0].alg, "RS256")

    def test_asynchronous_calls(self):
        id = self.user(first_name="Ann").id

        async def name():
            async with Clerk(bearer_auth=SECRET_KEY, server_url=f"{self.server.url}/v1") as clerk:
                return (await clerk.users.get_async(user_id=id)).first_name

        self.assertEqual(asyncio.run(name()), "Ann")

    def test_zz_every_other_call_is_refused(self):
        results = {name: "works" for name in self.worked}
        wrong = []
        for name, call in calls.calls(self.plain).items():
            if name in self.worked:
                continue
            try:
                results[name] = calls.refusal(call, self.requests)
            except Exception as error:
                wrong.append(f"{name}: {type(error).__name__}: {error}")
        self.assertEqual(wrong, [])
        calls.compare(results)


if __name__ == "__main__":
    unittest.main()
