package clerksdk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.clerk.backend_api.Clerk;
import com.clerk.backend_api.helpers.security.AuthenticateRequest;
import com.clerk.backend_api.helpers.security.VerifyToken;
import com.clerk.backend_api.helpers.security.models.AuthenticateRequestOptions;
import com.clerk.backend_api.helpers.security.models.TokenVerificationException;
import com.clerk.backend_api.helpers.security.models.VerifyTokenOptions;
import com.clerk.backend_api.models.components.User;
import com.clerk.backend_api.models.errors.ClerkError;
import com.clerk.backend_api.models.operations.*;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.jsonwebtoken.Claims;
import java.math.BigInteger;
import java.security.KeyFactory;
import java.security.spec.RSAPublicKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.function.Executable;

/** Clerk's SDK for Java, unmodified, against a real server. The tests make every call that has a meaning here; the last one makes all others. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SdkTest {
    private static final String PASSWORD = "correct horse battery";
    private static final String SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    private static Server server;
    private static Clerk clerk;
    private static Map<String, Runnable> all;
    private static final Calls calls = new Calls();
    private static int count;

    @BeforeAll
    static void start() throws Exception {
        server = new Server();
        clerk = Clerk.builder().client(calls).bearerAuth(Server.SECRET_KEY).serverURL(server.url + "/v1").build();
        all = calls.all(clerk);
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
    }

    /** Returns the fields of a user with an e-mail address and a password. */
    private static CreateUserRequestBody.Builder fields() {
        return CreateUserRequestBody.builder().emailAddress(List.of("java" + ++count + "@example.com")).password(PASSWORD);
    }

    private static User create(CreateUserRequestBody.Builder fields) {
        return clerk.users().create(fields.build()).user().orElseThrow();
    }

    private static User read(String id) {
        return clerk.users().get(id).user().orElseThrow();
    }

    private static void refused(int status, String code, Executable call) throws Exception {
        ClerkError error = assertThrows(ClerkError.class, call);
        String found = new ObjectMapper().readTree(error.bodyAsString().orElseThrow()).at("/errors/0/code").asText();
        assertEquals(status + " " + code, error.code() + " " + found);
    }

    /** Signs a user in on a new device. */
    private static Server.Session signIn(User user) throws Exception {
        var body = CreateSignInTokenRequestBody.builder().userId(user.id()).expiresInSeconds(60L).build();
        return server.signIn(clerk.signInTokens().create().request(body).call().signInToken().orElseThrow().token().orElseThrow());
    }

    @Test
    void users() throws Exception {
        User made = create(fields().emailAddress(List.of("ann@example.com")).phoneNumber(List.of("+14155552001")).firstName("Ann").externalId("java-1").publicMetadata(Map.of("team", "blue")));
        assertEquals("ann@example.com", made.emailAddresses().get(0).emailAddress());
        assertEquals("+14155552001", made.phoneNumbers().get(0).phoneNumber());
        assertEquals("java-1", read(made.id()).externalId().orElseThrow());
        assertEquals("Anna", clerk.users().update(made.id(), UpdateUserRequestBody.builder().firstName("Anna").build()).user().orElseThrow().firstName().orElseThrow());
        refused(422, "form_identifier_exists", () -> create(fields().emailAddress(List.of("ann@example.com"))));
        assertTrue(verify(made, PASSWORD));
        refused(422, "form_password_incorrect", () -> verify(made, "not the password"));
        assertTrue(clerk.users().delete(made.id()).deletedObject().orElseThrow().deleted());
        refused(404, "resource_not_found", () -> read(made.id()));
    }

    private static boolean verify(User user, String password) {
        return clerk.users().verifyPassword().userId(user.id()).requestBody(new VerifyPasswordRequestBody(password)).call().object().orElseThrow().verified().orElseThrow();
    }

    @Test
    void lists() throws Exception {
        User one = create(fields().username("quentin").firstName("Quentin"));
        User other = create(fields());
        for (var filter : List.of(GetUserListRequest.builder().username(List.of("quentin")), GetUserListRequest.builder().userId(List.of(one.id())),
                GetUserListRequest.builder().query("quent").orderBy("-created_at"))) {
            assertEquals(List.of(one.id()), list(filter));
        }
        assertEquals(1, clerk.users().count(GetUsersCountRequest.builder().query("quent").build()).totalCount().orElseThrow().totalCount());
        assertEquals(1, list(GetUserListRequest.builder().userId(List.of(one.id(), other.id())).limit(1).offset(1)).size());
        refused(422, "form_param_unknown", () -> list(GetUserListRequest.builder().organizationId(List.of("org_1"))));
        refused(422, "form_param_unknown", () -> clerk.users().count(GetUsersCountRequest.builder().organizationId(List.of("org_1")).build()));
    }

    private static List<String> list(GetUserListRequest.Builder filter) {
        return clerk.users().list(filter.build()).userList().orElseThrow().stream().map(User::id).toList();
    }

    @Test
    void locksAndBans() {
        String id = create(fields()).id();
        assertTrue(clerk.users().lock(id).user().orElseThrow().locked());
        assertFalse(clerk.users().unlock(id).user().orElseThrow().locked());
        assertTrue(clerk.users().ban(id).user().orElseThrow().banned());
        assertFalse(clerk.users().unban(id).user().orElseThrow().banned());
        assertTrue(clerk.users().bulkBan(UsersBanRequestBody.builder().userIds(List.of(id)).build()).userList().orElseThrow().get(0).banned());
        assertFalse(clerk.users().bulkUnban(UsersUnbanRequestBody.builder().userIds(List.of(id)).build()).userList().orElseThrow().get(0).banned());
    }

    @Test
    void testingTokens() throws Exception {
        assertTrue(clerk.testingTokens().create().call().testingToken().isPresent());
    }

    @Test
    void factors() throws Exception {
        String id = create(fields().totpSecret(SECRET).backupCodes(List.of("abcd2-efgh2", "abcd3-efgh3"))).id();
        assertEquals("backup_code", code(id, "abcd2-efgh2"));
        refused(422, "form_code_incorrect", () -> code(id, "abcd2-efgh2"));
        clerk.users().deleteBackupCodes(id);
        clerk.users().deleteTOTP(id);
        assertFalse(read(id).totpEnabled() || read(id).backupCodeEnabled());
        clerk.users().update(id, UpdateUserRequestBody.builder().totpSecret(SECRET).build());
        clerk.users().disableMfa(id);
        assertFalse(read(id).twoFactorEnabled());
    }

    /** Returns the type of a right code. */
    private static String code(String id, String code) {
        return clerk.users().verifyTotp().userId(id).requestBody(new VerifyTOTPRequestBody(code)).call().object().orElseThrow().codeType().orElseThrow().value();
    }

    @Test
    void metadata() {
        String id = create(fields().publicMetadata(Map.of("a", Map.of("b", 1, "c", 2), "d", 3))).id();
        var gone = new HashMap<String, java.lang.Object>();
        gone.put("b", null);
        gone.put("e", 4);
        User merged = clerk.users().updateMetadata().userId(id).requestBody(UpdateUserMetadataRequestBody.builder().publicMetadata(Map.of("a", gone)).build()).call().user().orElseThrow();
        assertEquals(Map.of("a", Map.of("c", 2, "e", 4), "d", 3), merged.publicMetadata());
        var replaced = ReplaceUserMetadataRequestBody.builder().publicMetadata(Map.of("f", 5)).build();
        assertEquals(Map.of("f", 5), clerk.users().replaceMetadata().userId(id).requestBody(replaced).call().user().orElseThrow().publicMetadata());
    }

    @Test
    void emailAddresses() throws Exception {
        User max = create(fields());
        var address = CreateEmailAddressRequestBody.builder().userId(max.id()).emailAddress("two@example.com").build();
        String id = clerk.emailAddresses().create().request(address).call().emailAddress().orElseThrow().id().orElseThrow();
        clerk.emailAddresses().update().emailAddressId(id).requestBody(UpdateEmailAddressRequestBody.builder().verified(true).primary(true).build()).call();
        assertEquals(id, read(max.id()).primaryEmailAddressId().orElseThrow());
        assertEquals("two@example.com", clerk.emailAddresses().get(id).emailAddress().orElseThrow().emailAddress());
        refused(422, "form_identifier_exists", () -> clerk.emailAddresses().create().request(address).call());
        assertTrue(clerk.emailAddresses().delete(id).deletedObject().orElseThrow().deleted());
        refused(404, "resource_not_found", () -> clerk.emailAddresses().get(id));
    }

    @Test
    void replacedIdentifiers() {
        User max = create(fields());
        clerk.emailAddresses().replaceForUser().userId(max.id()).requestBody(ReplaceUserEmailAddressRequestBody.builder().emailAddress("only@example.com").build()).call();
        clerk.phoneNumbers().replaceForUser().userId(max.id()).requestBody(ReplaceUserPhoneNumberRequestBody.builder().phoneNumber("+14155552009").build()).call();
        User now = read(max.id());
        assertEquals(List.of("only@example.com"), now.emailAddresses().stream().map(e -> e.emailAddress()).toList());
        assertEquals(List.of("+14155552009"), now.phoneNumbers().stream().map(n -> n.phoneNumber()).toList());
    }

    @Test
    void phoneNumbers() throws Exception {
        User max = create(fields());
        var number = CreatePhoneNumberRequestBody.builder().userId(max.id()).phoneNumber("+14155552002").verified(true).primary(true).build();
        String id = clerk.phoneNumbers().create().request(number).call().phoneNumber().orElseThrow().id().orElseThrow();
        assertEquals("+14155552002", clerk.phoneNumbers().get(id).phoneNumber().orElseThrow().phoneNumber());
        clerk.phoneNumbers().update().phoneNumberId(id).requestBody(UpdatePhoneNumberRequestBody.builder().reservedForSecondFactor(true).build()).call();
        assertTrue(read(max.id()).twoFactorEnabled());
        String sent = clerk.phoneNumbers().prepareVerification(id).verificationResponse().orElseThrow().id().orElseThrow();
        var right = AttemptPhoneNumberVerificationRequestBody.builder().verificationId(sent).code(server.code("+14155552002")).build();
        var tried = clerk.phoneNumbers().attemptVerification(id, right).verificationResponse().orElseThrow();
        assertEquals("verified", tried.status().orElseThrow());
        assertTrue(clerk.phoneNumbers().delete(id).deletedObject().orElseThrow().deleted());
    }

    @Test
    void signInTokens() {
        var body = CreateSignInTokenRequestBody.builder().userId(create(fields()).id()).build();
        var made = clerk.signInTokens().create().request(body).call().signInToken().orElseThrow();
        assertEquals("pending", made.status().value());
        assertEquals("revoked", clerk.signInTokens().revoke(made.id()).signInToken().orElseThrow().status().value());
    }

    @Test
    void sessions() throws Exception {
        User max = create(fields());
        var session = signIn(max);
        var active = GetSessionListRequest.builder().userId(max.id()).status(Status.ACTIVE).build();
        assertEquals(List.of(session.id()), clerk.sessions().list(active).sessionList().orElseThrow().stream().map(s -> s.id()).toList());
        assertEquals(max.id(), clerk.sessions().get(session.id()).session().orElseThrow().userId());
        assertEquals(session.id(), verified(clerk.sessions().createToken(session.id()).object().orElseThrow().jwt().orElseThrow()).get("sid"));
        assertEquals("revoked", clerk.sessions().revoke(session.id()).session().orElseThrow().status().value());
        assertEquals(List.of(), clerk.sessions().list(active).sessionList().orElseThrow());
        var body = CreateSessionRequestBody.builder().userId(max.id()).build();
        assertEquals(max.id(), clerk.sessions().create().request(body).call().session().orElseThrow().userId());
    }

    private static Claims verified(String token) throws Exception {
        return (Claims) VerifyToken.verifyToken(token, VerifyTokenOptions.Builder.withSecretKey(Server.SECRET_KEY).apiUrl(server.url).build()).payload();
    }

    @Test
    void sessionTokens() throws Exception {
        User max = create(fields());
        var session = signIn(max);
        assertEquals(max.id(), verified(session.token()).getSubject());
        String[] parts = session.token().split("\\.");
        String forged = new String(Base64.getUrlDecoder().decode(parts[1])).replace(max.id(), "user_of_another");
        String wrong = parts[0] + "." + Base64.getUrlEncoder().withoutPadding().encodeToString(forged.getBytes()) + "." + parts[2];
        assertThrows(TokenVerificationException.class, () -> verified(wrong));
        var options = AuthenticateRequestOptions.jwtKey(key()).build();
        assertTrue(AuthenticateRequest.authenticateRequest(Map.of("Authorization", List.of("Bearer " + session.token())), options).isSignedIn());
        assertFalse(AuthenticateRequest.authenticateRequest(Map.of("Authorization", List.of("Bearer " + wrong)), options).isSignedIn());
        assertFalse(AuthenticateRequest.authenticateRequest(Map.of(), options).isSignedIn());
    }

    /** Returns the public key of session tokens as PEM. */
    private static String key() throws Exception {
        var jwk = server.get("/.well-known/jwks.json").at("/keys/0");
        var spec = new RSAPublicKeySpec(number(jwk.get("n").asText()), number(jwk.get("e").asText()));
        byte[] encoded = KeyFactory.getInstance("RSA").generatePublic(spec).getEncoded();
        return "-----BEGIN PUBLIC KEY-----\n" + Base64.getMimeEncoder().encodeToString(encoded) + "\n-----END PUBLIC KEY-----";
    }

    private static BigInteger number(String text) {
        return new BigInteger(1, Base64.getUrlDecoder().decode(text));
    }

    @Test
    void theInstance() {
        for (boolean on : List.of(false, true)) {
            clerk.instanceSettings().update().request(UpdateInstanceRequestBody.builder().testMode(on).build()).call();
        }
        assertEquals(1, clerk.jwks().getJWKSDirect().jwks().orElseThrow().keys().orElseThrow().size());
        assertEquals("development", clerk.instanceSettings().getDirect().instance().orElseThrow().environmentType());
    }

    @Test
    @Order(Integer.MAX_VALUE)
    void everyOtherCallIsRefused() throws Exception {
        Map<String, String> results = new TreeMap<>();
        List<String> wrong = new ArrayList<>();
        for (var call : all.entrySet()) {
            try {
                results.put(call.getKey(), calls.worked.contains(call.getKey()) ? "works" : calls.refusal(call.getValue()));
            } catch (RuntimeException | AssertionError error) {
                wrong.add(call.getKey() + ": " + error);
            }
        }
        assertEquals(List.of(), wrong);
        Calls.compare(results);
    }
}
