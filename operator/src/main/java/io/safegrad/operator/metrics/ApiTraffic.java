package io.safegrad.operator.metrics;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import io.fabric8.kubernetes.client.http.Interceptor;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The operator's client of the API server, whose requests are counted and whose absence is told.
 */
@Singleton
public class ApiTraffic {

  @Produces
  @ApplicationScoped
  KubernetesClient client(
      KubernetesSerialization serialization, Config config, MeterRegistry registry) {
    return new KubernetesClientBuilder()
        .withKubernetesSerialization(serialization)
        .withConfig(config)
        .withHttpClientBuilderConsumer(
            builder ->
                builder.addOrReplaceInterceptor(
                    "traffic", counting(registry, new ApiServerContact())))
        .build();
  }

  void close(@Disposes KubernetesClient client) {
    client.close();
  }

  static Interceptor counting(MeterRegistry registry, ApiServerContact contact) {
    return new Interceptor() {
      @Override
      public void after(
          HttpRequest request,
          HttpResponse<?> response,
          AsyncBody.Consumer<List<ByteBuffer>> consumer) {
        count(registry, request.method(), Integer.toString(response.code()));
        contact.answered();
        if (isWatch(request.uri())) {
          contact.watches(request.uri().getPath(), response.code());
        }
      }

      @Override
      public void afterConnectionFailure(HttpRequest request, Throwable failure) {
        count(registry, request.method(), "none");
        contact.failed(failure);
      }
    };
  }

  private static boolean isWatch(URI uri) {
    return uri.getQuery() != null && uri.getQuery().contains("watch=true");
  }

  private static void count(MeterRegistry registry, String method, String code) {
    Counter.builder(OperatorMetric.API_REQUESTS.meter())
        .description(OperatorMetric.API_REQUESTS.help())
        .tags("method", method, "code", code)
        .register(registry)
        .increment();
  }
}
