package clerksdk;

import com.clerk.backend_api.Clerk;
import com.clerk.backend_api.models.errors.ClerkError;
import com.clerk.backend_api.utils.HTTPClient;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Every call of Clerk's SDK for Java: which ones worked, and how all others are refused. */
final class Calls implements HTTPClient {
    private static final String MISSING = "none_2Zt1Wq"; // names no record

    private static final Map<Class<?>, Object> SIMPLE = Map.ofEntries(
            Map.entry(String.class, MISSING), Map.entry(Object.class, MISSING), Map.entry(byte[].class, new byte[] {1}),
            Map.entry(boolean.class, true), Map.entry(long.class, 1L), Map.entry(double.class, 1.0), Map.entry(OffsetDateTime.class, OffsetDateTime.parse("2030-01-01T00:00:00Z")),
            Map.entry(List.class, List.of()), Map.entry(Map.class, Map.of()), Map.entry(Optional.class, Optional.empty()));

    final Set<String> worked = new HashSet<>();
    private final List<String> requests = new ArrayList<>();
    private final Map<String, String> builders = new HashMap<>(); // the call that a class builds the request of

    /** Sends a request of the SDK. A call with a right answer is one that worked. */
    @Override
    public HttpResponse<InputStream> send(HttpRequest request) throws IOException, InterruptedException, URISyntaxException {
        HttpResponse<InputStream> answer = HTTPClient.super.send(request);
        requests.add(request.method() + " " + request.uri().getPath());
        if (answer.statusCode() < 400) {
            StackWalker.getInstance().walk(frames -> frames.map(this::call).filter(name -> name != null).reduce((inner, outer) -> outer)).ifPresent(worked::add);
        }
        return answer;
    }

    /** Returns the call that a frame of the stack belongs to, or null. */
    private String call(StackWalker.StackFrame frame) {
        return builders.getOrDefault(frame.getClassName(), builders.get(frame.getClassName() + "." + frame.getMethodName()));
    }

    /** Returns the methods of the SDK that send a request without further options, by the names that a program writes. */
    Map<String, Runnable> all(Clerk clerk) throws ReflectiveOperationException {
        Map<String, Runnable> calls = new TreeMap<>();
        for (Method resource : Clerk.class.getMethods()) {
            if (Modifier.isStatic(resource.getModifiers()) || resource.getParameterCount() != 0 || resource.getDeclaringClass() != Clerk.class) {
                continue;
            }
            Object of = resource.invoke(clerk);
            for (Method builder : of.getClass().getMethods()) {
                if (!builder.getReturnType().getName().endsWith("RequestBuilder")) {
                    continue;
                }
                String name = resource.getName() + "." + builder.getName();
                Method direct = Arrays.stream(of.getClass().getMethods())
                        .filter(m -> m.getName().equals(builder.getName()) || m.getName().equals(builder.getName() + "Direct"))
                        .filter(m -> m != builder && m.getReturnType().getName().endsWith("Response"))
                        .min(Comparator.comparingInt(Method::getParameterCount))
                        .orElseThrow(() -> new NoSuchMethodException(name));
                builders.put(builder.getReturnType().getName(), name);
                builders.put(of.getClass().getName() + "." + direct.getName(), name);
                calls.put(name, () -> invoke(direct, of));
            }
        }
        return calls;
    }

    private static void invoke(Method call, Object of) {
        try {
            call.invoke(of, Arrays.stream(call.getParameterTypes()).map(type -> invent(type, 0)).toArray());
        } catch (InvocationTargetException thrown) {
            if (thrown.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException(thrown.getCause());
        } catch (ReflectiveOperationException wrong) {
            throw new IllegalStateException(wrong);
        }
    }

    /** Returns a value of a type. Texts are ids that do not exist. */
    private static Object invent(Class<?> type, int depth) {
        if (SIMPLE.containsKey(type)) {
            return SIMPLE.get(type);
        }
        if (type.isEnum()) {
            return type.getEnumConstants()[0];
        }
        try {
            Method builder = Arrays.stream(type.getMethods()).filter(m -> m.getName().equals("builder") && Modifier.isStatic(m.getModifiers())).findFirst().orElse(null);
            if (builder == null || depth > 3) {
                return null;
            }
            Object building = builder.invoke(null);
            for (Method field : building.getClass().getMethods()) {
                if (field.getParameterCount() != 1 || field.getReturnType() != building.getClass()) {
                    continue;
                }
                Object value = invent(field.getParameterTypes()[0], depth + 1);
                if (value != null && !(value instanceof Optional)) {
                    field.invoke(building, value);
                }
            }
            return building.getClass().getMethod("build").invoke(building);
        } catch (ReflectiveOperationException wrong) {
            throw new IllegalStateException(type.getName(), wrong);
        }
    }

    /** Makes a call without a meaning here. Returns Clerk's error in a few words, or throws. */
    String refusal(Runnable call) throws IOException {
        requests.clear();
        ClerkError error;
        try {
            call.run();
            throw new AssertionError("it succeeds, and no test checks its answer");
        } catch (ClerkError refused) {
            error = refused;
        }
        JsonNode body = new ObjectMapper().readTree(error.bodyAsString().orElse("{}"));
        JsonNode first = body.at("/errors/0");
        if (error.code() < 400 || error.code() > 499 || first.path("code").asText().isEmpty() || first.path("message").asText().isEmpty() || body.path("clerk_trace_id").asText().isEmpty()) {
            throw new AssertionError("not Clerk's error: " + error.code() + " " + body);
        }
        List<Pattern> operations = operations();
        List<String> known = requests.stream().filter(request -> operations.stream().anyMatch(operation -> operation.matcher(request).matches())).toList();
        if (!known.isEmpty()) {
            throw new AssertionError(known + " is an operation, whose call no test makes");
        }
        return error.code() + " " + first.get("code").asText();
    }

    /**
     * Returns patterns of the requests that have an operation. The deletion of a passkey is left out: its user needs an
     * authenticator, which the tests of the API have.
     */
    private static List<Pattern> operations() throws IOException {
        Pattern row = Pattern.compile("\\|`[a-z-]+`\\|`(\\S+ \\S+)`\\|");
        List<Pattern> found = Files.readAllLines(Path.of(System.getProperty("operations"))).stream()
                .map(row::matcher).filter(line -> line.matches() && !line.group(1).contains("/passkeys/"))
                .map(line -> Pattern.compile(line.group(1).replaceAll("\\{[a-z_]+\\}", "[^/]+"))).toList();
        if (found.size() < 50) {
            throw new AssertionError("the page of operations has no table");
        }
        return found;
    }

    /** Compares the results with the file of results. With UPDATE=1 it writes the file. */
    static void compare(Map<String, String> results) throws IOException {
        Path file = Path.of(System.getProperty("calls"));
        String text = new TreeMap<>(results).entrySet().stream().map(e -> e.getKey() + "\t" + e.getValue() + "\n").collect(Collectors.joining());
        if (System.getenv("UPDATE") != null) {
            Files.writeString(file, text);
        }
        if (!Files.readString(file).equals(text)) {
            throw new AssertionError(file + " differs; UPDATE=1 writes it:\n" + text);
        }
    }
}
