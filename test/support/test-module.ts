import type { DynamicModule, Type } from '@nestjs/common';
import { AppModule } from '../../src/app.module.js';
import type { Config } from '../../src/config/config.js';

/** The whole app and these controllers, as if a reader had added them. */
export const appWith =
  (...controllers: Type[]) =>
  (config: Config): DynamicModule => {
    class AddedModule {}
    return { module: AddedModule, imports: [AppModule.with(config)], controllers };
  };
