package io.safegrad.trainer.provenance;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.io.IOException;
import java.nio.file.Path;

/** Digests of the parts of a file or of a directory, by which it can be told what was changed. */
@JsonTypeInfo(use = JsonTypeInfo.Id.DEDUCTION)
@JsonSubTypes({@JsonSubTypes.Type(FileDigests.class), @JsonSubTypes.Type(DirectoryDigests.class)})
sealed interface PartDigests permits FileDigests, DirectoryDigests {

  /**
   * Where a file or directory differs from the one that these digests are of.
   *
   * @param path as it is now; its digest is known to be another
   */
  String difference(Path path) throws IOException;
}
