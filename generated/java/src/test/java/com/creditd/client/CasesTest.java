package com.creditd.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.creditd.credit.v1.AdminServiceGrpc;
import com.creditd.credit.v1.CreditServiceGrpc;
import com.creditd.credit.v1.CreditServiceGrpc.CreditServiceBlockingStub;
import com.creditd.credit.v1.ReserveRequest;
import com.creditd.credit.v1.WatchBalanceRequest;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptors;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** Runs what tests/languages in the repository of the service hands to each language; its README explains the steps. */
@EnabledIfEnvironmentVariable(named = "CREDIT_CASES", matches = ".+", disabledReason = "`make languages` runs these")
final class CasesTest {
  private static final long CALL_MILLISECONDS = 30_000;

  @TestFactory
  Stream<DynamicTest> cases() throws IOException {
    JsonObject given = JsonParser.parseString(Files.readString(Path.of(System.getenv("CREDIT_CASES")))).getAsJsonObject();
    JsonArray cases = given.getAsJsonArray("cases");
    return IntStream.range(0, cases.size())
        .mapToObj(
            number -> {
              JsonObject one = cases.get(number).getAsJsonObject();
              String name = one.get("name").getAsString();
              return DynamicTest.dynamicTest(
                  name,
                  () -> {
                    try (Runner runner = new Runner(given, one, number)) {
                      runner.steps(one.getAsJsonArray("steps"));
                    }
                    Files.writeString(
                        Path.of(given.get("results").getAsString()),
                        name + "\n",
                        StandardOpenOption.CREATE,
                        StandardOpenOption.APPEND);
                  });
            });
  }

  private static final class WorkFails extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  private static final class Runner implements AutoCloseable {
    private final JsonObject given;
    private final String server;
    private final Map<String, ManagedChannel> channels = new HashMap<>();
    private final Map<String, String> saved = new HashMap<>();

    Runner(JsonObject given, JsonObject one, int number) {
      this.given = given;
      this.server = text(one, "server", "plain");
      saved.put("account", given.get("prefix").getAsString() + "-" + number);
    }

    @Override
    public void close() {
      channels.values().forEach(ManagedChannel::shutdownNow);
    }

    void steps(JsonArray steps) throws Exception {
      for (JsonElement raw : steps) {
        String text = raw.toString();
        for (Map.Entry<String, String> value : saved.entrySet()) {
          text = text.replace("${" + value.getKey() + "}", value.getValue());
        }
        JsonObject step = JsonParser.parseString(text).getAsJsonObject();
        if (step.has("call")) {
          call(step);
        } else if (step.has("watch")) {
          watch(step);
        } else if (step.has("health")) {
          health(step);
        } else if (step.has("blocks")) {
          blocks(step);
        } else if (step.has("block")) {
          block(step);
        } else if (step.has("restart")) {
          restart();
        } else {
          fail("no such step: " + text);
        }
      }
    }

    private synchronized Channel channel(String caller) throws IOException {
      if (!channels.containsKey(caller)) {
        ChannelCredentials credentials =
            server.equals("tls")
                ? TlsChannelCredentials.newBuilder().trustManager(new File(given.get("ca").getAsString())).build()
                : InsecureChannelCredentials.create();
        String token = given.getAsJsonObject("tokens").get(caller).getAsString();
        String target = given.getAsJsonObject("servers").get(server).getAsString();
        channels.put(caller, CreditChannel.open(target, credentials, () -> token));
      }
      return channels.get(caller);
    }

    private CreditServiceBlockingStub credits(JsonObject step) throws IOException {
      return CreditServiceGrpc.newBlockingStub(channel(text(step, "as", "service")));
    }

    private void call(JsonObject step) throws Exception {
      MethodDescriptor<Message, Message> method = method("credit.v1." + step.get("call").getAsString());
      var marshaller = (MethodDescriptor.PrototypeMarshaller<Message>) method.getRequestMarshaller();
      Message request = read(step.get("request"), marshaller.getMessagePrototype().newBuilderForType());
      AtomicReference<Metadata> headers = new AtomicReference<>();
      AtomicReference<Metadata> trailers = new AtomicReference<>(new Metadata());
      Channel channel =
          ClientInterceptors.intercept(
              channel(text(step, "as", "service")),
              MetadataUtils.newCaptureMetadataInterceptor(headers, trailers));
      CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(deadline(step), TimeUnit.MILLISECONDS);
      if (step.has("refused")) {
        refused(
            step.getAsJsonObject("refused"),
            assertThrows(
                StatusRuntimeException.class, () -> ClientCalls.blockingUnaryCall(channel, method, options, request)));
        return;
      }
      JsonElement got = json(ClientCalls.blockingUnaryCall(channel, method, options, request));
      holds(step.get("expect"), got);
      boolean replayed = trailers.get().containsKey(Metadata.Key.of("replayed", Metadata.ASCII_STRING_MARSHALLER));
      assertEquals(step.has("replayed") && step.get("replayed").getAsBoolean(), replayed, "replayed");
      if (step.has("save")) {
        for (Map.Entry<String, JsonElement> one : step.getAsJsonObject("save").entrySet()) {
          JsonElement value = got;
          for (String key : one.getValue().getAsString().split("\\.")) {
            value = value.getAsJsonObject().get(key);
          }
          saved.put(one.getKey(), value.getAsString());
        }
      }
    }

    private void watch(JsonObject step) throws Exception {
      WatchBalanceRequest request = read(step.get("watch"), WatchBalanceRequest.newBuilder());
      Iterator<? extends Message> messages =
          credits(step).withDeadlineAfter(deadline(step), TimeUnit.MILLISECONDS).watchBalance(request);
      JsonArray expected = step.getAsJsonArray("messages");
      for (int number = 0; number < expected.size(); number++) {
        holds(expected.get(number), json(messages.next()));
        if (number == 0 && step.has("during")) {
          steps(step.getAsJsonArray("during"));
        }
      }
      if (step.has("code")) {
        assertEquals(
            step.get("code").getAsString(),
            assertThrows(StatusRuntimeException.class, messages::hasNext).getStatus().getCode().name());
      }
    }

    private void health(JsonObject step) throws Exception {
      HealthCheckRequest request =
          HealthCheckRequest.newBuilder().setService(step.get("health").getAsString()).build();
      holds(
          step.get("expect"),
          json(
              HealthGrpc.newBlockingStub(channel("service"))
                  .withDeadlineAfter(CALL_MILLISECONDS, TimeUnit.MILLISECONDS)
                  .check(request)));
    }

    private void block(JsonObject step) throws Exception {
      ReserveRequest request = read(step.get("block"), ReserveRequest.newBuilder());
      boolean fails = step.has("fails");
      try (Hold hold = Hold.withReservation(credits(step), request)) {
        if (step.has("save_name")) {
          saved.put(step.get("save_name").getAsString(), hold.reservation().getName());
        }
        if (step.has("during")) {
          steps(step.getAsJsonArray("during"));
        }
        if (step.has("lasts_ms")) {
          Thread.sleep(step.get("lasts_ms").getAsLong());
        }
        if (fails) {
          throw new WorkFails();
        }
        if (step.has("spend")) {
          for (JsonElement amount : step.getAsJsonArray("spend")) {
            hold.spend(Long.parseLong(amount.getAsString()));
          }
        } else {
          hold.spendAll();
        }
      } catch (WorkFails error) {
        assertEquals(0, error.getSuppressed().length, "the refund fails");
      } catch (StatusRuntimeException error) {
        if (!step.has("refused")) {
          throw error;
        }
        refused(step.getAsJsonObject("refused"), error);
        return;
      }
      assertTrue(!step.has("refused"), "the block is not refused");
    }

    /** Does many at once, and restarts the server after some of them: each has to end as if nothing had happened. */
    private void blocks(JsonObject step) throws Exception {
      ReserveRequest request = read(step.get("block"), ReserveRequest.newBuilder());
      CreditServiceBlockingStub credits = credits(step);
      long spent = Long.parseLong(step.getAsJsonArray("spend").get(0).getAsString());
      int failsEvery = step.get("fails_every").getAsInt();
      List<Integer> restarts = new ArrayList<>();
      step.getAsJsonArray("restart_after").forEach(after -> restarts.add(after.getAsInt()));
      AtomicInteger ended = new AtomicInteger();
      ExecutorService workers = Executors.newFixedThreadPool(step.get("at_once").getAsInt());
      try {
        List<Callable<Void>> blocks = new ArrayList<>();
        for (int number = 1; number <= step.get("blocks").getAsInt(); number++) {
          boolean fails = number % failsEvery == 0;
          blocks.add(
              () -> {
                oneOfMany(credits, request, fails ? 0 : spent);
                if (restarts.contains(ended.incrementAndGet())) {
                  restart();
                }
                return null;
              });
        }
        for (Future<Void> block : workers.invokeAll(blocks)) {
          block.get();
        }
      } finally {
        workers.shutdownNow();
      }
    }

    /** Does work that fails if it is to spend nothing. */
    private static void oneOfMany(CreditServiceBlockingStub credits, ReserveRequest request, long spent) {
      try (Hold hold = Hold.withReservation(credits, request)) {
        if (spent == 0) {
          throw new WorkFails();
        }
        hold.spend(spent);
      } catch (WorkFails error) {
        assertEquals(0, error.getSuppressed().length, "the refund fails");
      }
    }

    /** Returns when the server was killed, and before it is back. */
    private void restart() throws Exception {
      URI uri = URI.create(given.get("control").getAsString() + "/restart");
      assertEquals(
          200,
          HttpClient.newHttpClient().send(HttpRequest.newBuilder(uri).build(), BodyHandlers.discarding()).statusCode());
    }

    private static void refused(JsonObject expected, StatusRuntimeException error) {
      assertEquals(expected.get("code").getAsString(), error.getStatus().getCode().name());
      Refusal refusal = Refusal.of(error).orElseThrow(() -> error);
      assertEquals(expected.get("reason").getAsString(), refusal.reason());
      if (expected.has("facts")) {
        expected
            .getAsJsonObject("facts")
            .entrySet()
            .forEach(fact -> assertEquals(fact.getValue().getAsString(), refusal.facts().get(fact.getKey()), fact.getKey()));
      }
    }

    private static void holds(JsonElement expected, JsonElement got) {
      assertTrue(expected == null || contains(got, expected), () -> got + " does not hold " + expected);
    }

    /** Tells whether got has all that is expected: of an object the fields that are named, of a list each item. */
    private static boolean contains(JsonElement got, JsonElement expected) {
      if (got == null) {
        return false;
      }
      if (expected.isJsonObject() && got.isJsonObject()) {
        JsonObject object = got.getAsJsonObject();
        return expected.getAsJsonObject().entrySet().stream()
            .allMatch(field -> contains(object.get(field.getKey()), field.getValue()));
      }
      if (expected.isJsonArray() && got.isJsonArray()) {
        JsonArray list = got.getAsJsonArray();
        JsonArray items = expected.getAsJsonArray();
        return list.size() == items.size()
            && IntStream.range(0, items.size()).allMatch(index -> contains(list.get(index), items.get(index)));
      }
      return got.equals(expected);
    }

    @SuppressWarnings("unchecked")
    private static MethodDescriptor<Message, Message> method(String name) {
      return Stream.of(CreditServiceGrpc.getServiceDescriptor(), AdminServiceGrpc.getServiceDescriptor())
          .flatMap(service -> service.getMethods().stream())
          .filter(method -> method.getFullMethodName().equals(name))
          .map(method -> (MethodDescriptor<Message, Message>) method)
          .findFirst()
          .orElseThrow(() -> new IllegalArgumentException(name));
    }

    @SuppressWarnings("unchecked")
    private static <M extends Message> M read(JsonElement json, Message.Builder builder)
        throws InvalidProtocolBufferException {
      JsonFormat.parser().merge(json.toString(), builder);
      return (M) builder.build();
    }

    private static JsonElement json(Message message) throws InvalidProtocolBufferException {
      return JsonParser.parseString(JsonFormat.printer().alwaysPrintFieldsWithNoPresence().print(message));
    }

    private static long deadline(JsonObject step) {
      return step.has("deadline_ms") ? step.get("deadline_ms").getAsLong() : CALL_MILLISECONDS;
    }

    private static String text(JsonObject object, String field, String otherwise) {
      return object.has(field) ? object.get(field).getAsString() : otherwise;
    }
  }
}
