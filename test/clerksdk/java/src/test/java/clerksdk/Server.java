package clerksdk;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** A Countersign server on a free loopback port with an empty data directory. COUNTERSIGN names the binary. */
final class Server implements AutoCloseable {
    static final String SECRET_KEY = "sk_test_java";
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final ObjectMapper JSON = new ObjectMapper();

    final String url;
    private final Process process;
    private final BufferedReader output;

    Server() throws IOException {
        Path data = Files.createTempDirectory("countersign-java-");
        ProcessBuilder builder = new ProcessBuilder(System.getenv("COUNTERSIGN"), "serve", "--listen", "localhost:0", "--data", data.toString());
        builder.environment().put("COUNTERSIGN_SECRET_KEY", SECRET_KEY);
        process = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
        output = process.inputReader();
        String first = output.readLine();
        if (first == null || !first.startsWith("Countersign runs on ")) {
            throw new IllegalStateException("countersign did not start: " + first);
        }
        url = first.substring(first.lastIndexOf(' ') + 1);
    }

    /** Ends the server, and fails if it did not stop cleanly. */
    @Override
    public void close() throws IOException, InterruptedException {
        process.destroy();
        if (!process.waitFor(20, TimeUnit.SECONDS)) {
            throw new IllegalStateException("countersign did not stop");
        }
        output.close();
    }

    /** A session of a native app with a token. */
    record Session(String id, String token) {}

    /** Exchanges a ticket for a session. */
    Session signIn(String ticket) throws IOException, InterruptedException {
        HttpResponse<String> signIn = post("/v1/client/sign_ins", "", Map.of("strategy", "ticket", "ticket", ticket));
        String client = signIn.headers().firstValue("authorization").orElseThrow();
        String id = JSON.readTree(signIn.body()).at("/response/created_session_id").asText();
        return new Session(id, JSON.readTree(post("/v1/client/sessions/" + id + "/tokens", client, Map.of()).body()).get("jwt").asText());
    }

    /** Returns the code of the last message to a number. */
    String code(String number) throws IOException, InterruptedException {
        JsonNode messages = get("/dev/sms?phone_number=" + URLEncoder.encode(number, StandardCharsets.UTF_8)).get("messages");
        return messages.get(messages.size() - 1).get("code").asText();
    }

    /** Reads a path without credentials. */
    JsonNode get(String path) throws IOException, InterruptedException {
        return JSON.readTree(HTTP.send(HttpRequest.newBuilder(URI.create(url + path)).build(), HttpResponse.BodyHandlers.ofString()).body());
    }

    private HttpResponse<String> post(String path, String client, Map<String, String> form) throws IOException, InterruptedException {
        String body = form.entrySet().stream().map(field -> field.getKey() + "=" + URLEncoder.encode(field.getValue(), StandardCharsets.UTF_8)).collect(Collectors.joining("&"));
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + path + "?_is_native=1"))
                .header("content-type", "application/x-www-form-urlencoded")
                .header("authorization", client)
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IllegalStateException(path + ": " + answer.statusCode() + " " + answer.body());
        }
        return answer;
    }
}
