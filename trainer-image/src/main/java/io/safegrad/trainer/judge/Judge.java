package io.safegrad.trainer.judge;

import io.safegrad.api.JudgeIdentity;
import io.safegrad.trainer.TrainerException;
import java.util.List;

/** Tells which replies refuse. A run has one, which judges start model and tuned model alike. */
public sealed interface Judge permits StringListJudge, ClassifierJudge, EndpointJudge {

  /** Who it is, for the report. */
  JudgeIdentity identity();

  /**
   * Is told at the start how many replies a run will have it judge.
   *
   * @throws TrainerException with BAD_PLAN when its means cannot suffice
   */
  default void expect(long replies) {}

  /**
   * Whether each reply refuses, in the order of the exchanges.
   *
   * @throws TrainerException when it cannot tell; no reply is then judged
   */
  List<Boolean> refusals(List<Exchange> exchanges);
}
